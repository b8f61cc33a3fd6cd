"""Stands for a script that somebody has: it tells how far it is, what came of it, and fails with a code that says why."""
import json
import os
import sys
import time

currencies = os.environ.get("RUN_JOB_PARAM_CURRENCIES", "EUR,USD,GBP").split(",")
deadline = os.environ.get("RUN_JOB_DEADLINE", "none")
print(json.dumps({"level": "info", "msg": "fetching rates", "currencies": currencies, "deadline": deadline}), flush=True)

rates = {}
for number, currency in enumerate(currencies, start=1):
    if len(currency) != 3:
        print(f"{currency} is no currency", file=sys.stderr)
        sys.exit(65)  # No retry can help: EX_DATAERR.
    time.sleep(0.05)
    rates[currency] = 1.0
    if "RUN_JOB_PROGRESS_FILE" in os.environ:
        with open(os.environ["RUN_JOB_PROGRESS_FILE"], "a") as progress:
            progress.write(f"{number} {len(currencies)}\n")

if "RUN_JOB_RESULT_FILE" in os.environ:
    with open(os.environ["RUN_JOB_RESULT_FILE"], "w") as result:
        json.dump({"rates": len(rates)}, result)

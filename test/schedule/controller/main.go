// Writes ../controller.json: what robfig/cron v3, by which Kubernetes' API server and CronJob controller read their lines, says of each line here.
// To make the table anew: go run . > ../controller.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

type walk struct {
	Line  string   `json:"line"`
	Zone  string   `json:"zone"`
	After string   `json:"after"`
	Slots []string `json:"slots"`
}

type verdict struct {
	Line  string `json:"line"`
	Taken bool   `json:"taken"`
}

func main() {
	walks := []walk{}
	add := func(zone string, after string, count int, lines ...string) {
		location, err := time.LoadLocation(zone)
		if err != nil {
			panic(err)
		}
		begin, err := time.Parse(time.RFC3339, after)
		if err != nil {
			panic(err)
		}
		for _, line := range lines {
			schedule, err := cron.ParseStandard(line)
			if err != nil {
				panic(fmt.Sprintf("%s: %v", line, err))
			}
			slots := []string{}
			t := begin.In(location)
			for i := 0; i < count; i++ {
				t = schedule.Next(t)
				if t.IsZero() {
					break
				}
				slots = append(slots, t.UTC().Format(time.RFC3339))
			}
			walks = append(walks, walk{line, zone, after, slots})
		}
	}

	plain := []string{
		"* * * * *", "*/15 * * * *", "5/20 * * * *", "0 2 * * *", "30 8 * * 1", "0 8 * * MON-FRI", "0 0 1,15 * *", "0 0 31 * *",
		"0 0 29 2 *", "0 0 30 2 *", "0 0 13 * FRI", "0 0 13 * *", "0 0 * * 5", "0 0 */2 * FRI", "0 0 */1 * FRI", "0 0 1-7 * */2",
		"0 0 ? * 1", "0 0 1 * ?", "15,45 9-17/2 * JAN-MAR,dec sun", "@yearly", "@annually", "@monthly", "@weekly", "@daily",
		"@midnight", "@hourly", "59 23 31 12 *", "0 0 1 1 0", "7 */5 * * *", "1-59/29 4 * * *", "0 12 1/10 * *", "0 0 5,* * 3",
		"1, * * * *", ",30 5 ,,9 * *", "*-5 3 * * *", "0 ?-x/6 * * *", "+5 +3-+4 * * */+2", "0 0 00008 007 *", "*/00100 4 * * *", ", * * * *", "0 0 1 * ,",
		"0 0 , * 3", "0 0 , * *", "0 0 * , *", "0\u00852\u3000* * *",
	}
	add("Etc/UTC", "2026-11-26T10:30:00Z", 12, plain...)
	add("Etc/UTC", "2027-12-31T23:59:59Z", 6, plain...)
	add("Asia/Kolkata", "2026-11-26T10:30:30Z", 6, plain...)

	// Each on both days of the year on which clocks are set, and around midnight where it's then that they are.
	around := []string{
		"* * * * *", "*/15 * * * *", "*/30 * * * *", "0 * * * *", "30 * * * *", "15 */2 * * *", "0 0 * * *", "30 0 * * *", "0 1 * * *", "30 1 * * *",
		"0 2 * * *", "15 2 * * *", "30 2 * * *", "45 2 * * *", "59 2 * * *", "0 3 * * *", "15 3 * * *", "30 3 * * *", "0 4 * * *", "30 23 * * *", "30 1-3 * * *",
		"*/20 1,2,3 * * *", "30 2 * * 0", "30 2 * * SAT", "0 1 * * 0", "30 0 * * 0", "0 0 * * 0", "0 12 * * 0", "0 12 * * 1", "0 12 * * 5", "0 12 * * 6", "30 2 29 3 *",
		"30 2 25 10 *", "0 0 1 * *", "30 1 1 11 *", "0 0 * 11 *", "0 12 * 4,11 *", "*/10 0 * * 5,6,0", "5 4 25 * 0",
	}
	days := map[string][]string{
		"Europe/Berlin":       {"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"},
		"America/New_York":    {"2027-03-13T22:00:00Z", "2026-10-31T22:00:00Z"},
		"Europe/London":       {"2027-03-27T20:00:00Z", "2026-10-24T20:00:00Z"},
		"Australia/Lord_Howe": {"2026-10-03T06:00:00Z", "2027-04-03T06:00:00Z"},
		"America/Havana":      {"2026-03-07T20:00:00Z", "2026-10-31T20:00:00Z"},
		"Asia/Beirut":         {"2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"},
		"America/Santiago":    {"2026-09-05T12:00:00Z", "2026-04-04T12:00:00Z"},
	}
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "America/Santiago"} {
		for _, after := range days[zone] {
			add(zone, after, 16, around...)
		}
	}

	verdicts := []verdict{}
	for _, line := range []string{
		"* * * * *", "0 2 * * *", "*/5 * * * *", "0 0 * * 7", "0 0 * * 0-6", "0 24 * * *", "60 * * * *", "0 0 0 * *", "0 0 32 * *", "0 0 * 13 *",
		"0 0 * 0 *", "*/0 * * * *", "*/90 * * * *", "5-1 * * * *", "0 0 * * FRI-MON", "0 0 * * mon-Fri", "0 0 * jan *", "0 0 * january *", "0 0 L * *",
		"0 0 15W * *", "0 0 * * 5#3", "0 0 * * 5L", "H 2 * * *", "0 2 * *", "0 0 2 * * *", "", "@daily", "@reboot", "@Daily", "a * * * *", "1-2-3 * * * *",
		"1/2/3 * * * *", "-1 * * * *", "1,2,x * * * *", "0  2   * * *", " 0 2 * * * ", "0\t2 * * *", "? ? ? ? ?", "0 0 ?/2 * *", "1.5 * * * *", "0 0 MON * *",
		"0 0 * MON *", "0 0 1 * SUN,2", "00 02 * * *", "007 * * * *", "0 0 31 2 *",
		"1, * * * *", ",1 * * * *", "1,,2 * * * *", ", * * * *", "*-5 * * * *", "*-x-y * * * *", "*- * * * *", "?-5/2 * * * *", "*5 * * * *", "5* * * * *",
		"** * * * *", "-5 * * * *", "5- * * * *", "+5 * * * *", "*/+5 * * * *", "*/-5 * * * *", "*/ * * * *", "/5 * * * *", "5//2 * * * *", "5/2/2 * * * *",
		"00000005 * * * *", "08 09 010 08 *", "*/100 * * * *", "*/100000 * * * *", "*/9223372036854775807 * * * *", "*/9223372036854775808 * * * *", "*/00 * * * *",
		"*/x * * * *", "0 0 * * */mon", "0x5 * * * *", "1_0 * * * *", "\uff15 * * * *", "1e1 * * * *", "0 0 * * 6-7", "0 0 * * 0-7", "0 0 * * \u017fun",
		"0 0 * * mon/2", "0 0 * * mon-", "0 0 * mar-feb *", "0 0 * Dec,JAN *", "0 0 LW * *", "0 0 * * 1#2", "~ * * * *", "H/15 * * * *", "H(0-29) * * * *",
		"TZ=UTC 0 2 * * *", "CRON_TZ=UTC 0 2 * * *", "0 2 * * * TZ=UTC", "*-TZ * * * *", "@daily ", " @daily", "@every", "@everything", "@every x",
		"@midnight", "@annually", "@yearly", "@monthly", "@weekly", "@hourly", "@", "toString", "__proto__", "@toString",
		"0\u00852\u3000*\v*\f*", "0\ufeff2 * * *", "\ufeff0 2 * * *", "0\u200b2 * * *", "0 2 * * *\r\n", "0 2 * * * # nightly",
	} {
		// The API server refuses TZ wherever it stands (validateScheduleFormat), before robfig/cron may stumble over it.
		taken := !strings.Contains(line, "TZ")
		if taken {
			_, err := cron.ParseStandard(line)
			taken = err == nil
		}
		verdicts = append(verdicts, verdict{line, taken})
	}

	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(map[string]interface{}{"walks": walks, "verdicts": verdicts}); err != nil {
		panic(err)
	}
}

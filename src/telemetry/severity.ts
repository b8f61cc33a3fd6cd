// Our levels as OpenTelemetry's severity numbers.
import { SeverityNumber } from '@opentelemetry/api';

export const SEVERITY = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

"""iCalendar (RFC 5545) as it is written: lines, zones, repetition; nothing is normalised before it is checked."""

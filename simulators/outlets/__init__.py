"""Where a live simulator's samples go: MQTT, EPICS, Tango, HTTP; one file each, and one table of them."""

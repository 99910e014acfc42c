"""The daily report: all numbers fetched once, then files, then mail. No browser, no server."""

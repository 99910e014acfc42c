"""Fluency Lab Analytics: everything behind the pages and the daily report."""

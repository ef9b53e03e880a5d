"""Scheduled scans of declared assets: store, queue, judging in child processes, spot checks, notices."""

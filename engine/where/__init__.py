"""Conditions on documents' columns (`--where`): a small grammar, evaluated by SQL queries with bound values."""

"""Records held against each other; `compared` does it. Rules want a word or two of it: load nothing here."""

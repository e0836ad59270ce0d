"""The validation run: both precisions in alternation, measures, verdict, events to the store."""

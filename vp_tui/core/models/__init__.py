"""The language models, written natively so that only the precision differs between two arms."""

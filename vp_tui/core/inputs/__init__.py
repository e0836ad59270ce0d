"""Sequences and checkpoints as files: reading, tokenizing, packing, recognizing.

In: FASTA or FASTQ files, checkpoint folders and hub ids. Out: SequenceSet, TokenSet, packed batches, ModelSpec.
May import: measures, verdict, regression, the vocabulary of core, dnaio, tokenizers, huggingface_hub; never torch.
"""

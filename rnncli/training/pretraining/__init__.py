"""Pretrain a network on simulated series: `python -m rnncli.training.pretraining --help`."""

"""Simulated time series to pretrain networks on: families of processes, seasons, disturbances, ways of recording."""

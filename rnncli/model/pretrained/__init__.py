"""The pretrained network: simple forecasts of a window, a recurrent network that weighs them, and its weights."""

"""The choice of what computes the networks of a model: NumPy without torch, or torch on a device."""

from typing import TYPE_CHECKING

from rnncli.errors import RequestError

if TYPE_CHECKING:
    import torch

    from rnncli.config.sections import Compute
    from rnncli.model.model import Model


def device_of(model: "Model", windows: int, compute: "Compute") -> "torch.device | None":
    """Return the device for so many windows; None if the forecasts are computed in NumPy, without torch.

    On a CPU that is so for every model with graphs, however many windows there are: the same model has the same bits.
    torch is imported to look for a GPU only if there is enough work for one. Raises RequestError if the engine cannot
    forecast the model, or not on the device.
    """
    if not model.networks:
        return None
    if compute.engine == "numpy":
        _check_numpy(model, compute)
    from rnncli.network import device

    work = device.work_per_forecast(model.card.architectures, model.card.targets, windows)
    in_numpy = compute.engine != "torch" and model.has_graphs and compute.device in ("auto", "cpu")
    if in_numpy and (compute.device == "cpu" or compute.engine == "numpy" or work < device.WORTH_A_GPU):
        return None
    where = device.prepare(compute.device, work).device
    return None if in_numpy and where.type == "cpu" else where


def _check_numpy(model: "Model", compute: "Compute") -> None:
    """Raise RequestError if NumPy cannot forecast the model, or not on the device."""
    if compute.device not in ("auto", "cpu"):
        raise RequestError(f"--engine numpy computes on the CPU, not on {compute.device}. Leave out one of the two")
    if not model.has_graphs:
        reason = model.card.reasons.get("engine", "it was trained by an older version, or with --engine torch")
        raise RequestError(f"--engine numpy: the model has no graphs ({reason}). Use --engine torch, or train it again")


def engine_facts(where: "torch.device | None") -> dict[str, str]:
    """Return for the report what computed the forecasts, and on which device."""
    return {"engine": "numpy", "device": "cpu"} if where is None else {"engine": "torch", "device": str(where)}

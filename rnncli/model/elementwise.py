"""Activations in NumPy, as exact as the type of their argument. They change no argument."""

import numpy as np

# A rational function of x that is the error function for |x| < 4, within 1e-7; beyond, it is 1 in 32 bits. The
# coefficients of x^13, x^11, ... and x^8, x^6, ... are those of Eigen (generic_fast_erf_float, after Pade).
ERF_ABOVE = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
ERF_BELOW = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)
ERF_END = 4.0


def gelu(values: np.ndarray) -> np.ndarray:
    """Return x / 2 * (1 + erf(x / sqrt(2))) (Hendrycks and Gimpel 2016)."""
    result = erf(values * np.float32(np.sqrt(0.5)))
    result += 1
    result *= values
    result *= np.float32(0.5)
    return result


def erf(values: np.ndarray) -> np.ndarray:
    """Return the error function of values (...), within 2e-7."""
    inside = np.clip(values, -ERF_END, ERF_END)
    square = inside * inside
    above, below = _polynomial(square, ERF_ABOVE), _polynomial(square, ERF_BELOW)
    above *= inside
    above /= below
    return above


def _polynomial(values: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """Return a polynomial by Horner's rule, the highest power first."""
    result = np.full_like(values, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= values
        result += coefficient
    return result


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), by tanh, which cannot overflow."""
    result = values * np.float32(0.5)
    np.tanh(result, out=result)
    result += 1
    result *= np.float32(0.5)
    return result


def softplus(values: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)) without overflow."""
    return np.maximum(values, 0) + np.log1p(np.exp(-np.abs(values)))


def log_sigmoid(values: np.ndarray) -> np.ndarray:
    """Return log(1 / (1 + exp(-x)))."""
    return -softplus(-values)

"""Makes the two simulated sample tables, the same every time: python sample_data/make.py

demand.csv      hourly electricity demand of 20 sites over 90 days, with temperature and holidays
retail.csv      daily sales of 24 items over two years, with price, promotion and many zeros
passengers.csv  is not made here: monthly airline passengers 1949-1960, in thousands (Box and Jenkins 1976, series G)
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def demand(generator: np.random.Generator) -> pd.DataFrame:
    """Homes, offices and factories, each with its days, weeks, heating, holidays and faults."""
    hours = pd.date_range("2025-01-06", periods=90 * 24, freq="h")
    hour, weekday, day = hours.hour.to_numpy(), hours.day_of_week.to_numpy(), np.arange(len(hours)) / 24
    holiday = np.isin(hours.strftime("%m-%d"), ["02-17", "03-08", "01-20"])
    season = 2 + 9 * day / 90 + 4 * np.sin(2 * np.pi * (hour - 9) / 24)
    weather = season + 3 * _wander(generator, len(hours), 0.985)
    tables = []
    for number in range(20):
        kind = ("home", "office", "factory")[number % 3]
        working = (weekday < 5) & ~holiday
        shape = {
            "home": 0.7 + 0.35 * _bump(hour, 7.5, 1.5) + 0.6 * _bump(hour, 19.5, 2.5) + 0.12 * ~working,
            "office": 0.4 + working * 0.9 * _bump(hour, 13, 4.5),
            "factory": 0.6 + working * 0.5 * ((hour >= 6) & (hour < 22)) + 0.05 * _bump(hour, 10, 3),
        }[kind]
        size = np.exp(generator.normal(4.5, 0.9))
        temperature = weather + generator.normal(0, 2) + 0.5 * _wander(generator, len(hours), 0.9)
        heating = generator.uniform(0.01, 0.04) * np.maximum(15 - temperature, 0)
        growth = 1 + generator.normal(0, 0.1) * day / 90
        noise = np.exp(0.03 * generator.standard_normal(len(hours)) + 0.03 * _wander(generator, len(hours), 0.95))
        load = size * growth * (shape + heating) * noise
        table = pd.DataFrame(
            {
                "unique_id": f"{kind}-{number + 1:02d}",
                "ds": hours,
                "y": load.round(2),
                "temperature": temperature.round(1),
                "holiday": holiday.astype(int),
            }
        )
        if number in (4, 11):  # a meter that was silent for some hours, and one that missed single readings
            table = table.drop(table.index[1000:1009]) if number == 4 else table
            table.loc[table.index[500:1500:97], "y"] = np.nan
        tables.append(table)
    return pd.concat(tables)


def retail(generator: np.random.Generator) -> pd.DataFrame:
    """Items from everyday to slow-moving: Poisson sales around week, year, price and promotion."""
    days = pd.date_range("2023-01-01", periods=730, freq="D")
    week = np.array([0.9, 0.85, 0.9, 1.0, 1.3, 1.5, 0.55])[days.day_of_week]
    year = 1 + 0.25 * np.sin(2 * np.pi * (days.day_of_year.to_numpy() - 100) / 365.25)
    tables = []
    for number in range(24):
        rate = np.exp(generator.uniform(np.log(0.15), np.log(25)))
        usual = round(float(np.exp(generator.normal(1.2, 0.6))), 2)
        promotion = np.repeat(generator.random(len(days) // 7 + 1) < 0.12, 7)[: len(days)]
        price = np.where(promotion, round(0.8 * usual, 2), usual)
        level = np.exp(0.25 * _wander(generator, len(days), 0.98))
        mean = rate * week * year * level * np.where(promotion, generator.uniform(1.3, 2.2), 1.0)
        sales = generator.poisson(mean * generator.gamma(4, 1 / 4, len(days)))
        tables.append(
            pd.DataFrame(
                {
                    "item_id": f"item-{number + 1:02d}",
                    "timestamp": days,
                    "target": sales,
                    "price": price,
                    "promotion": promotion.astype(int),
                }
            )
        )
    return pd.concat(tables)


def _bump(hour: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-(((hour - centre) / width) ** 2) / 2)


def _wander(generator: np.random.Generator, length: int, memory: float) -> np.ndarray:
    """A first-order autoregression of unit variance."""
    steps = generator.standard_normal(length) * np.sqrt(1 - memory**2)
    values = np.empty(length)
    values[0] = generator.standard_normal()
    for place in range(1, length):
        values[place] = memory * values[place - 1] + steps[place]
    return values


if __name__ == "__main__":
    demand(np.random.default_rng(2025)).to_csv(HERE / "demand.csv", index=False, date_format="%Y-%m-%d %H:%M")
    retail(np.random.default_rng(2026)).to_csv(HERE / "retail.csv", index=False)

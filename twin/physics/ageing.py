"""Ageing over months: intensity that a source loses, filaments that evaporate.

Intensity. Published note on laboratory sources for crystallography: a microfocus rotating anode
(TXS class) falls by 30 to 50 % a year, a classic one by 30 % in "a few hundred hours" because its
anode roughens; a liquid-metal jet keeps its brilliance. Taken as exponential in running time, with
a year of 8766 h, so an instrument that rests half the time ages by half as much a year. A sealed
microfocus tube is assumed to lose 1 to 5 % in 1000 h at its rated power; a cooler spot less, which
is left out.

Mechanism. X-rays leave a rough surface through h/sin(take-off) more of the target on average.

Tungsten evaporates freely at the rate p sqrt(M / 2 pi R T) of Langmuir, Phys. Rev. 2 (1913) 329,
at the vapour pressure of Alcock, Itkin and Horrigan, Can. Metall. Q. 23 (1984) 309. They give
their equation for 298 to 2500 K; at 3477 K, where the CRC Handbook has 1 Pa, it is 30 % above.
A filament ends when 10 % of its mass, 5.1 % of its diameter, are gone (Spellman application note
AN-02). It is held at its temperature, as an emission loop nearly does. Poor vacuum, hot places and
notches shorten the life, so this is the longest it can be.
"""

from math import exp, pi, radians, sin, sqrt

from scipy.constants import atm, gas_constant

YEAR_H = 8766.0
TUNGSTEN_KG_MOL = 0.18384
TUNGSTEN_G_CM3 = 19.25
END_OF_LIFE = 1.0 - sqrt(0.9)  # of the wire's diameter


def relative_intensity(hours: float, per_h: float) -> float:
    """Part of the first intensity that is left after this running time."""
    return exp(-per_h * hours)


def roughness_transmission(
    roughness_um: float, attenuation_per_cm: float, takeoff_deg: float
) -> float:
    """Part of the line that a rough target still lets out: exp(-mu h / sin(take-off)), with the
    target's attenuation mu (mass attenuation * density) for its own line."""
    return exp(-1e-4 * attenuation_per_cm * roughness_um / sin(radians(takeoff_deg)))


def tungsten_pressure_pa(kelvin: float) -> float:
    """Vapour pressure over solid tungsten, Pa."""
    return float(atm) * 10.0 ** (2.945 - 44094.0 / kelvin) * kelvin**1.3677


def tungsten_evaporation_g_cm2_s(kelvin: float) -> float:
    """Mass that a square centimetre of tungsten loses in vacuum, g/cm2 s."""
    kg_m2_s = tungsten_pressure_pa(kelvin) * sqrt(
        TUNGSTEN_KG_MOL / (2.0 * pi * gas_constant * kelvin)
    )
    return 0.1 * kg_m2_s


def recession_um_per_h(loss_g_cm2_s: float, density_g_cm3: float) -> float:
    """Speed at which an evaporating surface draws back, um/h."""
    return 3600e4 * loss_g_cm2_s / density_g_cm3


def filament_life_h(diameter_um: float, kelvin: float, lost_diameter: float = END_OF_LIFE) -> float:
    """Time until a tungsten wire held at this temperature has lost this part of its diameter."""
    speed = recession_um_per_h(tungsten_evaporation_g_cm2_s(kelvin), TUNGSTEN_G_CM3)
    return 0.5 * lost_diameter * diameter_um / speed

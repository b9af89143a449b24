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

Lanthanum hexaboride: Storms and Mueller, IEEE Trans. Plasma Sci. 6 (1978) 191, measured 7e-11 and
6e-10 g/cm2 s at 1700 K with boron and with lanthanum in excess; a free surface lies between, here
at the geometric mean. The activation energy, 6.2 eV (range 6 to 7.5), is that of congruent
evaporation into atoms, from their enthalpy of formation, -351 kJ/mol, and JANAF's sublimation
enthalpies of La and B, 431 and 565 kJ/mol.
"""

from math import exp, log, pi, radians, sin, sqrt

from scipy.constants import Boltzmann, atm, e, gas_constant

BOLTZMANN_EV = Boltzmann / e
YEAR_H = 8766.0
TUNGSTEN_KG_MOL = 0.18384
TUNGSTEN_G_CM3 = 19.25
LAB6_G_CM3 = 4.72
LAB6_1700_K_G_CM2_S = (7e-11, 6e-10)
LAB6_EV = (351e3 + 431e3 + 6 * 565e3) / 7.0 / gas_constant * BOLTZMANN_EV
END_OF_LIFE = 1.0 - sqrt(0.9)  # of the wire's diameter


def decline_per_h(lost: float, hours: float) -> float:
    """Rate of an exponential decline that loses this part in so many hours, 1/h."""
    return -log(1.0 - lost) / hours


# (least, most), 1/h of running.
ROTATING_PER_H = (decline_per_h(0.30, YEAR_H), decline_per_h(0.50, YEAR_H))
# "A few hundred hours": assumed 200 to 500.
CLASSIC_ROTATING_PER_H = (decline_per_h(0.30, 500.0), decline_per_h(0.30, 200.0))
SEALED_PER_H = (decline_per_h(0.01, 1000.0), decline_per_h(0.05, 1000.0))
LIQUID_JET_PER_H = 0.0


def relative_intensity(hours: float, per_h: float) -> float:
    """Part of the first intensity that is left after this running time."""
    return exp(-per_h * hours)


def roughness_transmission(
    roughness_um: float, attenuation_per_cm: float, takeoff_deg: float
) -> float:
    """Part of the line that a rough target still lets out: exp(-mu h / sin(take-off)), with the
    target's attenuation mu (mass attenuation * density) for its own line."""
    return exp(-1e-4 * attenuation_per_cm * roughness_um / sin(radians(takeoff_deg)))


def explaining_roughness_um(left: float, attenuation_per_cm: float, takeoff_deg: float) -> float:
    """Mean roughness that leaves this part of the intensity, um."""
    return -1e4 * log(left) * sin(radians(takeoff_deg)) / attenuation_per_cm


def tungsten_pressure_pa(kelvin: float) -> float:
    """Vapour pressure over solid tungsten, Pa."""
    return float(atm) * 10.0 ** (2.945 - 44094.0 / kelvin) * kelvin**1.3677


def tungsten_evaporation_g_cm2_s(kelvin: float) -> float:
    """Mass that a square centimetre of tungsten loses in vacuum, g/cm2 s."""
    kg_m2_s = tungsten_pressure_pa(kelvin) * sqrt(
        TUNGSTEN_KG_MOL / (2.0 * pi * gas_constant * kelvin)
    )
    return 0.1 * kg_m2_s


def lab6_evaporation_g_cm2_s(kelvin: float) -> float:
    """Mass that a square centimetre of LaB6 loses in vacuum, g/cm2 s; good to a factor of 3."""
    low, high = LAB6_1700_K_G_CM2_S
    return sqrt(low * high) * exp(LAB6_EV / BOLTZMANN_EV * (1.0 / 1700.0 - 1.0 / kelvin))


def recession_um_per_h(loss_g_cm2_s: float, density_g_cm3: float) -> float:
    """Speed at which an evaporating surface draws back, um/h."""
    return 3600e4 * loss_g_cm2_s / density_g_cm3


def filament_life_h(diameter_um: float, kelvin: float, lost_diameter: float = END_OF_LIFE) -> float:
    """Time until a tungsten wire held at this temperature has lost this part of its diameter."""
    speed = recession_um_per_h(tungsten_evaporation_g_cm2_s(kelvin), TUNGSTEN_G_CM3)
    return 0.5 * lost_diameter * diameter_um / speed

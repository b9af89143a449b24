"""Target materials: what heat and electrons meet in Cu, Mo, W, Ag and liquid Ga.

Conductivity: recommended values of Ho, Powell and Liley, J. Phys. Chem. Ref. Data 1 (1972) 279,
which are those of Touloukian's Thermophysical Properties of Matter. Specific heat: Touloukian and
Buyco, same series, vol. 4. Density, melting, boiling and thermal expansion: CRC Handbook of
Chemistry and Physics; density and expansion of liquid gallium: ASM Handbook vol. 2.

The part of the beam's energy that stays in the target is 1 - eta e: eta is the part of the
electrons that is scattered back, e their mean energy in parts of the beam's. For Cu, Mo and W the
usual values are 0.79, 0.72 and 0.60; those for Ag and Ga lie on a smooth curve of Z through them.
All are assumed to +-0.03. The electrons that leave heat the window and the housing.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Target:
    """One element as an X-ray target. `conductivity_w_mk` and `specific_heat_j_kgk` are for the
    algebraic formulas, at 600 K (tungsten: 800 K; gallium: 350 K)."""

    symbol: str
    atomic_number: int
    molar_mass_g: float
    density_kg_m3: float
    melts_k: float
    boils_k: float
    conductivity_w_mk: float
    specific_heat_j_kgk: float
    absorbed: float  # part of the beam's power
    expansion_per_k: float  # linear, at room temperature
    table_k: tuple[float, ...]
    table_w_mk: tuple[float, ...]

    @property
    def diffusivity_m2_s(self) -> float:
        return self.conductivity_w_mk / (self.density_kg_m3 * self.specific_heat_j_kgk)

    def conductivity_at(self, kelvin: float) -> float:
        """W/mK of the solid, or of liquid gallium; beyond the table its nearest value."""
        return float(np.interp(kelvin, self.table_k, self.table_w_mk))

    def mean_conductivity_w_mk(self, low_k: float, high_k: float) -> float:
        """Mean over the temperatures from low_k to high_k, W/mK: by Kirchhoff's transformation
        this is what a steady flow of heat between them sees."""
        kelvin = np.linspace(low_k, high_k, 1001)
        return float(np.trapezoid(np.interp(kelvin, self.table_k, self.table_w_mk)) / 1000.0)


# The last node, at the melting point, is extrapolated.
TARGETS = {
    "Cu": Target(
        symbol="Cu",
        atomic_number=29,
        molar_mass_g=63.546,
        density_kg_m3=8960.0,
        melts_k=1357.8,
        boils_k=2835.0,
        conductivity_w_mk=380.0,
        specific_heat_j_kgk=417.0,
        absorbed=0.79,
        expansion_per_k=16.5e-6,
        table_k=(300.0, 400.0, 600.0, 800.0, 1000.0, 1200.0, 1357.8),
        table_w_mk=(401.0, 393.0, 379.0, 366.0, 352.0, 339.0, 329.0),
    ),
    "Mo": Target(
        symbol="Mo",
        atomic_number=42,
        molar_mass_g=95.95,
        density_kg_m3=10220.0,
        melts_k=2896.0,
        boils_k=4912.0,
        conductivity_w_mk=125.0,
        specific_heat_j_kgk=275.0,
        absorbed=0.72,
        expansion_per_k=4.8e-6,
        table_k=(300.0, 400.0, 600.0, 800.0, 1000.0, 1200.0, 1500.0, 2000.0, 2500.0, 2896.0),
        table_w_mk=(138.0, 134.0, 126.0, 118.0, 112.0, 105.0, 98.0, 90.0, 86.0, 83.0),
    ),
    "W": Target(
        symbol="W",
        atomic_number=74,
        molar_mass_g=183.84,
        density_kg_m3=19300.0,
        melts_k=3695.0,
        boils_k=5828.0,
        conductivity_w_mk=125.0,
        specific_heat_j_kgk=145.0,
        absorbed=0.60,
        expansion_per_k=4.5e-6,
        table_k=(300.0, 400.0, 600.0, 800.0, 1000.0, 1200.0, 1500.0, 2000.0, 2500.0, 3695.0),
        table_w_mk=(174.0, 159.0, 137.0, 125.0, 118.0, 113.0, 107.0, 100.0, 95.0, 90.0),
    ),
    "Ag": Target(
        symbol="Ag",
        atomic_number=47,
        molar_mass_g=107.87,
        density_kg_m3=10500.0,
        melts_k=1234.9,
        boils_k=2435.0,
        conductivity_w_mk=412.0,
        specific_heat_j_kgk=250.0,
        absorbed=0.70,
        expansion_per_k=18.9e-6,
        table_k=(300.0, 400.0, 600.0, 800.0, 1000.0, 1200.0, 1234.9),
        table_w_mk=(429.0, 425.0, 412.0, 396.0, 379.0, 361.0, 358.0),
    ),
    # Liquid. Conductivity known to 16 % only (Assael et al., High Temp. High Press. 46 (2017)
    # 391); expansion is a third of the liquid's 1.2e-4 /K by volume.
    "Ga": Target(
        symbol="Ga",
        atomic_number=31,
        molar_mass_g=69.723,
        density_kg_m3=6095.0,
        melts_k=302.91,
        boils_k=2477.0,
        conductivity_w_mk=29.0,
        specific_heat_j_kgk=381.0,
        absorbed=0.78,
        expansion_per_k=40e-6,
        table_k=(302.91,),
        table_w_mk=(29.0,),
    ),
}

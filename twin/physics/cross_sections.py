"""Ionisation of inner shells by electrons: the coefficients of Bote et al., At. Data Nucl. Data
Tables 95 (2009) 871, by element and shell. Used in twin/physics/line_yield.py; here by themselves,
so that a description can be checked without what it takes to calculate.
"""

MAX_KV = 140.0  # the cross-sections' formula is for up to 16 times the edge

# Coefficients a1 to a5 of Bote et al. (2009).
IONISATION = {
    ("Cu", "K"): (3.00e-3, 5.00e-5, -3.48e-3, 3.34e-3, -3.68e-3),
    ("Ga", "K"): (2.58e-3, 4.82e-5, -2.94e-3, 2.61e-3, -2.25e-3),
    ("Mo", "K"): (1.28e-3, 4.11e-5, -1.41e-3, 1.45e-3, -1.64e-3),
    ("Ag", "K"): (9.93e-4, 3.87e-5, -1.11e-3, 1.42e-3, -2.16e-3),
    ("W", "L1"): (1.99e-3, 4.04e-5, -1.87e-3, 1.70e-3, -1.77e-3),
    ("W", "L2"): (2.31e-3, 4.66e-5, -2.14e-3, 3.64e-3, -5.70e-3),
    ("W", "L3"): (3.77e-3, 6.68e-5, -3.43e-3, 5.72e-3, -8.64e-3),
}

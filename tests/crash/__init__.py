"""Why: "nothing is ever left behind" is only worth what was tried. Here runs die for real, everywhere."""

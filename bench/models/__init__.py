"""How the models of bench/zoo.py are trained: a function each, which the table in zoo.py names."""

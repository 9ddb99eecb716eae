"""storehooks doctor: whether a stack works, one module for each group of checks."""

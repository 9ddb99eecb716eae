"""What a deployment needs of AWS, in memory: each of the flows' ports over plain dictionaries.

:mod:`.memory` is the stored state, which all processes of a deployment share; :mod:`.account` makes
the parts of a process over it. tests/contract holds these and the adapters to the same promises.
"""

"""The delivery log: one table of DynamoDB, and who owns what is in it.

Its partitions are hooks, clients, and parts of the due index. What is in one outlives the hook until its
``expires_at``:

========================  ===========  ==================================================
``hook``                  ``id``       What it is, and whose
========================  ===========  ==================================================
``STORE#ID``              ``msg_...``  a delivery, in the form of :mod:`.items`:
                                       :class:`.deliveries.DeliveryLog`; and
                                       :class:`.pulled.PulledDeliveries`, which gives out
                                       those that are to be pulled
``STORE#ID``              ``rec_...``  a recovery: :class:`.recoveries.Recoveries`
``STORE#ID``              ``circuit``  the hook's circuit: :class:`.circuits.Circuits`
``STORE#ID``              ``held``     when the sweep looks at what is held for it:
                                       :class:`.held_watches.HeldWatches`
``STORE#ID``              ``rate``     where the line of a hook with a rate ends:
                                       :class:`.lines.Lines`
``notices#STORE#CLIENT``  its end      a day in which hooks of the client were
                                       deactivated:
                                       :class:`.deactivation_days.DeactivationDays`
``due#shard#N``           ``mark``     before which time all that is due in this part of
                                       the due index was taken; it has no end:
                                       :class:`.due.DueIndex`
========================  ===========  ==================================================

Two sparse indexes have deliveries, and by_due has watches as well. What is delivered is in neither:

============  ====================  =====================================================
Index         Its keys              Whose
============  ====================  =====================================================
``by_state``  ``state``: store,     :class:`.selections.Selections` reads it for recoveries,
              hook and status;      :class:`.missed.MissedEvents` for a client,
              ``id``                :class:`.deliveries.DeliveryLog` for lists, and
                                    :class:`.pulled.PulledDeliveries` for what is pending
``by_due``    ``due_shard``,        :class:`.due.DueIndex`, which also moves ``due_at`` of what it
              ``due_at``            looks at again; and :class:`.held_watches.HeldWatches`, in
                                    a partition of its own
============  ====================  =====================================================

What is delivered is found by the hook's partition alone, which :class:`.scans.Scans` reads for figures.
:mod:`.keys` has the names of all partitions. What an attempt has to know of a hook and its delivery is
read together with other tables, by :mod:`storehooks.adapters.delivery_context`.
"""

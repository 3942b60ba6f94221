"""Column lineage of a whole project, from a vendor's field to a CRM's field: what is known, how it flows, how it is drawn."""

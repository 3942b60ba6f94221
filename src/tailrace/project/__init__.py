"""The declarative project: files on disk as typed, frozen objects that know where they were written."""

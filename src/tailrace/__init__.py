"""tailrace: land, build, validate and activate marketing data from one declarative project."""

__version__ = "0.1.0"

"""Tests of models: generic and singular ones ask the warehouse for rows that must not be; unit tests run a model on fixtures."""

"""The one room that talks to Great Expectations; nothing outside it imports the package.

Import what you need from its modules where you need it: each of them costs Great Expectations' own start-up.
"""

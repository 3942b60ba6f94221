"""Great Expectations' Data Docs of stored judgements, as pages that need no network.

The package's renderers say what is on a page; view.py writes it as HTML, since their own templates load styles, icons and scripts
from six hosts and show neither pass nor fail without them. Importing this package imports nothing of Great Expectations.
"""

from tailrace.validate.gx.data_docs.site import refuse_foreign, write_site

__all__ = ["refuse_foreign", "write_site"]

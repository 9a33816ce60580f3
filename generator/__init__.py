"""Groundplan: needs in, an Azure AI reference architecture out.

Everything that decides, renders or checks lives in this package; nothing of it is copied into a generated project.
"""

__version__ = "0.4.0"

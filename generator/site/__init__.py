"""The documentation site with its gallery of variants: `groundplan site`."""

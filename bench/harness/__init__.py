"""Measures calldex against its ceiling (`limit`) and against the PHP page that it replaces."""

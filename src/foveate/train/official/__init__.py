"""The authors' weight files, read strictly and without running code from them."""

"""One module a view; `kado.page.routes.table` lists them."""

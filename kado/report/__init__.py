"""The report of a period as a document: PDF, HTML, XLSX, CSV and JSON from one set of tables and charts."""

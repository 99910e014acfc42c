"""What the visitor sees on every page; the only package under lib/ that imports Streamlit."""

"""The least that a Streamlit page can be: what is beside ours when a server starts or a slider moves."""

import streamlit as st

st.title("Bare")
st.write(st.slider("Slider", 0, 100, 50))

"""The tests mirror lib/ and pages/; factory, worked_case and odd_data are what they share."""

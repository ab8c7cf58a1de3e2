"""What a rule would have done over what is stored."""

"""How fast is Rollcall, next to what its networks allow and to what one would write without it?"""

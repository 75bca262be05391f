-- Fragment: whether the person `p` gets notices at all.
-- index: none, the person is already read
p.is_active

"""Chemistry tools: compounds and their names, structures, descriptors, similarity, conformers, equations."""

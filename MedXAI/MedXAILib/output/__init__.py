"""What leaves MedXAI as files: the paper's panels, maps and mask in the patient's frame, and the record of it all."""

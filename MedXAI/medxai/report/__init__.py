"""What leaves MedXAI as files: pictures, maps and mask in the patient's frame, the record, and an HTML page of one case."""

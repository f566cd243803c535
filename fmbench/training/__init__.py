"""Train one policy so that an interrupted training resumes exactly."""

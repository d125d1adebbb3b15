//go:build wasip1

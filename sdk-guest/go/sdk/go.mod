module headworks

go 1.25

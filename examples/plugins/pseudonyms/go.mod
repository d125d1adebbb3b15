module pseudonyms

go 1.25

require headworks v0.0.0

replace headworks => ./.headworks/sdk

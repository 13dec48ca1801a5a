# 给监控程序的说明。
metrics-key-needed = 指标只供本机读取；从其他地方读取需要带有 "metrics" 权限的密钥：burnish keys create NAME --scope metrics

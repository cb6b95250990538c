// Dark, light, or as the system is.
import { useMantineColorScheme } from '@mantine/core'

export function useTheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return { chosen: colorScheme, choose: setColorScheme }
}

/* A library that is no module. */

int nothing(void);

int nothing(void)
{
    return 0;
}
